import { type AzureError, badRequest } from '../http/errors';
import { type OsProfile } from './shapes';

/** Names that no Linux machine's administrator may have (learn: virtual-machines/linux/faq). */
const forbiddenNames = new Set(
  '1 123 a actuser adm admin admin1 admin2 administrator aspnet backup console david guest john owner root server sql support support_388945a0 sys test test1 test2 test3 user user1 user2 user3 user4 user5 video'.split(
    ' ',
  ),
);

const invalid = (target: string, message = `The value of parameter ${target} is invalid.`): AzureError =>
  badRequest('InvalidParameter', message, target);
const missing = (target: string): AzureError => invalid(target, `Required parameter '${target}' is missing (null).`);

/** The profile of a Linux machine made from an image: administrator, keys, host name, custom data. */
export function demandOsProfile(profile: OsProfile | undefined, name: string): void {
  if (profile === undefined) throw missing('osProfile');
  const { adminUsername, computerName = name, customData } = profile;
  if (adminUsername === undefined) throw missing('osProfile.adminUsername');
  if (forbiddenNames.has(adminUsername.toLowerCase()) || !/^[a-z_][a-z0-9._-]{0,63}$/i.test(adminUsername))
    throw invalid(
      'adminUsername',
      'The Admin Username specified is not allowed. For more information about disallowed usernames, see https://aka.ms/vmosprofile',
    );
  if (computerName.length > 64 || /[`~!@#$%^&*()=+_[\]{}\\|;:.'",<>/?]/.test(computerName))
    throw invalid(
      'computerName',
      'Linux host name cannot exceed 64 characters in length or contain the following characters: ` ~ ! @ # $ % ^ & * ( ) = + _ [ ] { } \\ | ; : . \' " , < > / ?.',
    );
  if (customData !== undefined && !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(customData))
    throw invalid(
      'customData',
      'Custom data in OSProfile must be in Base64 encoding and with a maximum length of 87380 characters.',
    );
  demandSignIn(profile, adminUsername);
}

function demandSignIn({ adminPassword, linuxConfiguration }: OsProfile, adminUsername: string): void {
  const keys = linuxConfiguration?.ssh?.publicKeys ?? [];
  if (linuxConfiguration?.disablePasswordAuthentication === true && keys.length === 0)
    throw invalid(
      'linuxConfiguration',
      'Authentication using either SSH or by user name and password must be enabled in Linux profile.',
    );
  if (keys.length === 0 && adminPassword === undefined) throw missing('adminPassword');
  const path = `/home/${adminUsername}/.ssh/authorized_keys`;
  for (const key of keys) {
    if (key.path === undefined) throw missing('linuxConfiguration.ssh.publicKeys.path');
    if (key.path !== path)
      throw invalid(
        'linuxConfiguration.ssh.publicKeys.path',
        `Destination path for SSH public keys is currently limited to its default value ${path}  due to a known issue in Linux provisioning agent.`,
      );
    if (!isPublicKey(key.keyData ?? '')) throw invalid('linuxConfiguration.ssh.publicKeys.keyData');
  }
  if (adminPassword !== undefined) demandPassword(adminPassword);
}

/** `ssh-rsa` or `ssh-ed25519`, and base64 that begins with the same word. */
function isPublicKey(text: string): boolean {
  const [, type = '', data = ''] = /^(ssh-rsa|ssh-ed25519)\s+([A-Za-z0-9+/]+={0,2})(?:\s.*)?$/s.exec(text.trim()) ?? [];
  const bytes = Buffer.from(data, 'base64');
  return type !== '' && bytes.subarray(4, 4 + type.length).toString() === type;
}

function demandPassword(password: string): void {
  const kinds = [/[A-Z]/, /[a-z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password)).length;
  if (password.length >= 6 && password.length <= 72 && kinds >= 3) return;
  throw invalid(
    'adminPassword',
    'The supplied password must be between 6-72 characters long and must satisfy at least 3 of password complexity requirements from the following: \r\n1) Contains an uppercase character\r\n2) Contains a lowercase character\r\n3) Contains a numeric digit\r\n4) Contains a special character\r\n5) Control characters are not allowed',
  );
}
