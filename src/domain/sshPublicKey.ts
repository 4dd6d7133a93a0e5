/** What Azure takes as a VM's SSH public key. Pure. */
import { z } from 'zod';

/** Azure's Linux images take these two (azure-docs: "SSH keys for Linux VMs"); it refuses ECDSA. */
const TYPES = ['ssh-rsa', 'ssh-ed25519'];

export const sshPublicKey = z.string().refine(isSshPublicKey, {
  error: 'is not an SSH public key of type ssh-rsa or ssh-ed25519 (the one line of a .pub file)',
});

/** The base64 part repeats the type, length first: a private key, a cut-off line or random text does not. */
function isSshPublicKey(text: string): boolean {
  const [type = '', body = ''] = text.trim().split(/\s+/);
  if (!TYPES.includes(type) || text.trim().includes('\n')) return false;
  try {
    const bytes = atob(body);
    return bytes.slice(4, 4 + type.length) === type && bytes.charCodeAt(3) === type.length && bytes.length > 32;
  } catch {
    return false;
  }
}
