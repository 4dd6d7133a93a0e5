param location string
param subnetId string
resource nic 'Microsoft.Network/networkInterfaces@2024-05-01' = {
  name: 'nic'
  location: location
  properties: { ipConfigurations: [{ name: 'one', properties: { subnet: { id: subnetId } } }] }
}
output nic string = nic.id
