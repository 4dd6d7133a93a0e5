import { z } from 'zod';
import { type Database } from '../store/database';

const list = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(z.string()));

const row = z.object({
  networkSecurityGroupId: z.string(),
  rule: z.string(),
  ports: list,
  sources: list,
  openedAt: z.number(),
  closedAt: z.number().nullable(),
});
export type Window = z.infer<typeof row>;

/** Every time in which an inbound allow rule stood on a network security group. */
export class Windows {
  constructor(
    private readonly db: Database,
    private readonly now: () => number,
  ) {}

  /** From now this rule lets `sources` in on `ports`; a window that says just that stays as it is. */
  open(networkSecurityGroupId: string, rule: string, ports: readonly string[], sources: readonly string[]): void {
    const current = this.current(networkSecurityGroupId, rule);
    const same = JSON.stringify([current?.ports, current?.sources]) === JSON.stringify([ports, sources]);
    if (current !== undefined && same) return;
    this.close(networkSecurityGroupId, rule, this.now());
    const sql = `INSERT INTO windows (networkSecurityGroupId, rule, ports, sources, openedAt) VALUES (?, ?, ?, ?, ?)`;
    this.db.run(sql, networkSecurityGroupId, rule, JSON.stringify(ports), JSON.stringify(sources), this.now());
  }

  /** @param at when the rule is gone: the end of the operation that removes it */
  close(networkSecurityGroupId: string, rule: string, at: number): void {
    const sql = `UPDATE windows SET closedAt = ? WHERE networkSecurityGroupId = ? COLLATE NOCASE
      AND rule = ? COLLATE NOCASE AND closedAt IS NULL`;
    this.db.run(sql, at, networkSecurityGroupId, rule);
  }

  all(): Window[] {
    return this.db.rows(row, `SELECT * FROM windows ORDER BY sequence`);
  }

  private current(networkSecurityGroupId: string, rule: string): Window | undefined {
    const sql = `SELECT * FROM windows WHERE networkSecurityGroupId = ? COLLATE NOCASE
      AND rule = ? COLLATE NOCASE AND closedAt IS NULL`;
    return this.db.row(row, sql, networkSecurityGroupId, rule);
  }
}
