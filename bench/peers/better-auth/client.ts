import type { Scenarios } from '../../load/scenario.ts';
import { refreshGrant } from '../refresh-grant.ts';

export const scenarios: Scenarios = { refresh: refreshGrant('/api/auth/oauth2/token') };
