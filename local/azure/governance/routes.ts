import { type Azure } from '../azure';
import { type Route } from '../http/call';
import { diagnosticRoutes } from './diagnosticSettings';
import { lockRoutes } from './locks';
import { policyRoutes } from './policy/assignments';
import { exemptionRoutes } from './policy/exemptions';
import { tagRoutes } from './tags';

/** Locks, policies, tags and diagnostic settings, at any scope that takes them. */
export const governanceRoutes = (azure: Azure): readonly Route[] => [
  ...lockRoutes(azure),
  ...policyRoutes(azure),
  ...exemptionRoutes(azure),
  ...tagRoutes(azure),
  ...diagnosticRoutes(azure),
];
