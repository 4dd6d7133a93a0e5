import { extensionSchema } from './extensions';

/** Times are epoch milliseconds. `document` and `hidden` are JSON. Ids are compared in lower case, so keys are lowered. */
export const schema = `
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS managementGroups (
  name TEXT PRIMARY KEY COLLATE NOCASE, displayName TEXT NOT NULL, parent TEXT COLLATE NOCASE) STRICT;
CREATE TABLE IF NOT EXISTS subscriptions (
  id TEXT PRIMARY KEY COLLATE NOCASE, name TEXT NOT NULL, managementGroup TEXT NOT NULL COLLATE NOCASE,
  tags TEXT NOT NULL, state TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS resources (
  key TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL COLLATE NOCASE, etag TEXT NOT NULL, document TEXT NOT NULL,
  hidden TEXT NOT NULL, createdAt INTEGER NOT NULL, readyAt INTEGER NOT NULL, goneAt INTEGER,
  phase TEXT NOT NULL, failure TEXT) STRICT;
CREATE INDEX IF NOT EXISTS resourcesByType ON resources (type, key);
CREATE TABLE IF NOT EXISTS links (
  source TEXT NOT NULL, target TEXT NOT NULL, via TEXT NOT NULL, PRIMARY KEY (source, target, via)) STRICT;
CREATE INDEX IF NOT EXISTS linksByTarget ON links (target);
CREATE TABLE IF NOT EXISTS operations (
  id TEXT PRIMARY KEY, startedAt INTEGER NOT NULL, endsAt INTEGER NOT NULL, failure TEXT) STRICT;
CREATE TABLE IF NOT EXISTS roleAssignments (
  name TEXT PRIMARY KEY COLLATE NOCASE, scope TEXT NOT NULL, roleId TEXT NOT NULL COLLATE NOCASE,
  principalId TEXT NOT NULL COLLATE NOCASE, principalType TEXT NOT NULL, document TEXT NOT NULL,
  createdAt INTEGER NOT NULL, effectiveAt INTEGER NOT NULL, createdBy TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS oneGrant ON roleAssignments (scope COLLATE NOCASE, roleId, principalId);
CREATE INDEX IF NOT EXISTS grantsByPrincipal ON roleAssignments (principalId);
CREATE TABLE IF NOT EXISTS directory (
  id TEXT PRIMARY KEY COLLATE NOCASE, kind TEXT NOT NULL, appId TEXT NOT NULL COLLATE NOCASE, document TEXT NOT NULL,
  owner TEXT, createdAt INTEGER NOT NULL, visibleAt INTEGER NOT NULL, deletedAt INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS directoryByAppId ON directory (appId, kind);
CREATE TABLE IF NOT EXISTS passwords (
  keyId TEXT PRIMARY KEY COLLATE NOCASE, applicationId TEXT NOT NULL COLLATE NOCASE, hash TEXT NOT NULL,
  document TEXT NOT NULL, endsAt INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS appRoleAssignments (
  id TEXT PRIMARY KEY, principalId TEXT NOT NULL COLLATE NOCASE, resourceId TEXT NOT NULL COLLATE NOCASE,
  appRoleId TEXT NOT NULL COLLATE NOCASE, createdAt INTEGER NOT NULL,
  UNIQUE (principalId, resourceId, appRoleId)) STRICT;
CREATE TABLE IF NOT EXISTS identityTokens (
  principalId TEXT NOT NULL COLLATE NOCASE, audience TEXT NOT NULL, issuedAt INTEGER NOT NULL, roles TEXT NOT NULL,
  PRIMARY KEY (principalId, audience)) STRICT;
CREATE TABLE IF NOT EXISTS secrets (
  vault TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, version TEXT NOT NULL, document TEXT NOT NULL,
  sealed TEXT NOT NULL, createdAt INTEGER NOT NULL, sequence INTEGER NOT NULL, deletedAt INTEGER,
  PRIMARY KEY (vault, name, version)) STRICT;
CREATE TABLE IF NOT EXISTS terms (
  subscription TEXT NOT NULL COLLATE NOCASE, plan TEXT NOT NULL COLLATE NOCASE, accepted INTEGER NOT NULL,
  PRIMARY KEY (subscription, plan)) STRICT;
CREATE TABLE IF NOT EXISTS registrations (
  subscription TEXT NOT NULL COLLATE NOCASE, namespace TEXT NOT NULL COLLATE NOCASE, readyAt INTEGER NOT NULL,
  PRIMARY KEY (subscription, namespace)) STRICT;
CREATE TABLE IF NOT EXISTS windows (
  sequence INTEGER PRIMARY KEY, networkSecurityGroupId TEXT NOT NULL, rule TEXT NOT NULL, ports TEXT NOT NULL,
  sources TEXT NOT NULL, openedAt INTEGER NOT NULL, closedAt INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS requests (
  sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  operation TEXT NOT NULL, caller TEXT NOT NULL, status INTEGER NOT NULL) STRICT;
${extensionSchema}`;
