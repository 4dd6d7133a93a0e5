/** Who a VM is administered as: a request may name another than its profile. Pure. */
import { z } from 'zod';

/** azure-docs, "What are the username requirements when creating a VM?": the ones that a Linux user name can be. */
const RESERVED = ['root', 'admin', 'administrator', 'user', 'test', 'guest', 'sys', 'support', 'backup', 'console'];

export const adminUsername = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, { error: 'is not a Linux user name' })
  .refine((name) => !RESERVED.includes(name), { error: 'is a name that Azure refuses for an administrator' });
