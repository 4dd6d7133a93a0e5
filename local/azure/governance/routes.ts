import { type Azure } from '../azure';
import { type Route } from '../http/call';
import { lockRoutes } from './locks';
import { policyRoutes } from './policy/assignments';

/** Locks, policies, tags and diagnostic settings, at any scope that takes them. */
export const governanceRoutes = (azure: Azure): readonly Route[] => [...lockRoutes(azure), ...policyRoutes(azure)];
