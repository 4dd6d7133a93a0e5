/** Waits for changes below a folder. Nothing is polled, so that waiting costs nothing. */
import { existsSync, type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** An editor or a compiler writes several files: what follows so soon belongs to the same change. */
const QUIET_MS = 150;
/** Packages, and what tools and hosts keep for themselves. */
const isSkipped = (name: string): boolean => name === 'node_modules' || name.startsWith('.');

/**
 * @param isWatched says by its path below the folder whether a file counts
 * @param onChange is called once for changes in quick succession
 * @returns what ends it
 */
export function watchTree(folder: string, isWatched: (path: string) => boolean, onChange: () => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  let quiet: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(onChange, QUIET_MS);
  };
  const forget = (gone: string): void => {
    for (const [path, watcher] of watchers) {
      if (path !== gone && !path.startsWith(gone + sep)) continue;
      watcher.close();
      watchers.delete(path);
    }
  };
  const hear = (path: string): void => {
    if (!existsSync(path)) forget(path);
    else if (isFolder(path)) return visit(path, true);
    if (isWatched(relative(folder, path))) changed();
  };
  const visit = (path: string, isNew: boolean): void => {
    if (watchers.has(path)) return;
    const watcher = watch(path, (_, name) => {
      if (name !== null && !isSkipped(name)) hear(join(path, name));
    });
    watchers.set(
      path,
      watcher.on('error', () => forget(path)),
    );
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const below = join(path, entry.name);
      if (isSkipped(entry.name)) continue;
      if (entry.isDirectory()) visit(below, isNew);
      else if (isNew && isWatched(relative(folder, below))) changed();
    }
  };
  visit(folder, false);
  return () => {
    clearTimeout(quiet);
    forget(folder);
  };
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** What a running app is made of: its compiled files anywhere, and its settings at the top. */
export const isAppFile = (path: string): boolean =>
  /\.[cm]?js$/.test(path) || ['host.json', 'local.settings.json', 'package.json'].includes(path);
