import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { randomUUID } from '../random';

interface Offer {
  readonly publisher: string;
  readonly offer: string;
  readonly plan: string;
}

const CURRENT =
  '/subscriptions/:subscriptionId/providers/Microsoft.MarketplaceOrdering/offerTypes/:offerType/publishers/:publisher/offers/:offer/plans/:plan/agreements/current';
const AGREEMENTS = '/subscriptions/:subscriptionId/providers/Microsoft.MarketplaceOrdering/agreements';
const SIGNED = `${AGREEMENTS}/:publisher/offers/:offer/plans/:plan`;

/** Marketplace terms, by subscription and plan (azure-facts §4). To accept: GET, then PUT the same with `accepted`. */
export const marketplaceRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: CURRENT, api: 'arm', handle: (call) => ok(agreement(azure, call)) },
  { method: 'PUT', path: CURRENT, api: 'arm', handle: (call) => put(azure, call) },
  { method: 'GET', path: SIGNED, api: 'arm', handle: (call) => ok(signed(azure, call)) },
  { method: 'GET', path: AGREEMENTS, api: 'arm', handle: (call) => ok(list(azure, call)) },
  { method: 'POST', path: `${SIGNED}/sign`, api: 'arm', handle: (call) => ok(accept(azure, call, true)) },
  { method: 'POST', path: `${SIGNED}/cancel`, api: 'arm', handle: (call) => ok(accept(azure, call, false)) },
];

const keyOf = ({ publisher, offer, plan }: Offer): string => `${publisher}|${offer}|${plan}`;

/** Undefined where they were never signed. */
function signature(azure: Azure, subscriptionId: string, offer: Offer): { readonly accepted: number } | undefined {
  const sql = 'SELECT accepted FROM terms WHERE subscription = ? AND plan = ?';
  return azure.db.row(z.object({ accepted: z.number() }), sql, subscriptionId, keyOf(offer));
}

export const termsAccepted = (azure: Azure, subscriptionId: string, offer: Offer): boolean =>
  signature(azure, subscriptionId, offer)?.accepted === 1;

/** The offer of the path, which must be one that the marketplace has. */
function offerOf(azure: Azure, call: Call): Offer {
  const offer = { publisher: param(call, 'publisher'), offer: param(call, 'offer'), plan: param(call, 'plan') };
  const plans = azure.tenant.images.flatMap(({ plan }) => (plan === null ? [] : [plan]));
  const known = plans.some(
    (plan) =>
      keyOf({ publisher: plan.publisher, offer: plan.product, plan: plan.name }).toLowerCase() ===
      keyOf(offer).toLowerCase(),
  );
  if (known) return offer;
  throw badRequest(
    'BadRequest',
    `Unable to find legal terms for this offer '${offer.publisher}', '${offer.offer}', '${offer.plan}'.`,
  );
}

/** What the subscription signed: a bare array, without `value` around it. */
function list(azure: Azure, call: Call): Record<string, unknown>[] {
  const sql = 'SELECT plan FROM terms WHERE subscription = ? ORDER BY plan';
  const signedPlans = azure.db.rows(z.object({ plan: z.string() }), sql, param(call, 'subscriptionId'));
  return signedPlans.map(({ plan: key }) => {
    const [publisher = '', offer = '', plan = ''] = key.split('|');
    return agreement(azure, { ...call, params: { ...call.params, publisher, offer, plan } });
  });
}

/** An agreement is there once it was signed; cancelled, it is there and not accepted. */
function signed(azure: Azure, call: Call): Record<string, unknown> {
  const offer = offerOf(azure, call);
  if (signature(azure, param(call, 'subscriptionId'), offer) !== undefined) return agreement(azure, call);
  throw new AzureError(
    404,
    'NotFound',
    `Unable to find legal terms for this offer. Agreement has never been signed for this offer. offer = '${offer.offer}', sku = '${offer.plan}',  Correlation Id: '${randomUUID()}'.`,
  );
}

function agreement(azure: Azure, call: Call): Record<string, unknown> {
  const offer = offerOf(azure, call);
  const { publisher, plan } = offer;
  const subscriptionId = param(call, 'subscriptionId');
  const terms = `https://storelegalterms.blob.core.windows.net/legalterms/${publisher}_${offer.offer}_${plan}.txt`;
  return {
    id: `/subscriptions/${subscriptionId}/providers/Microsoft.MarketplaceOrdering/offerTypes/VirtualMachine/publishers/${publisher}/offers/${offer.offer}/plans/${plan}/agreements/current`,
    name: plan,
    type: 'Microsoft.MarketplaceOrdering/offertypes',
    properties: {
      publisher,
      product: offer.offer,
      plan,
      licenseTextLink: terms,
      privacyPolicyLink: `https://www.example.com/${publisher}/privacy`,
      marketplaceTermsLink:
        'https://storelegalterms.blob.core.windows.net/marketplaceterms/3EDEF_MARKETPLACE_TERMS_VIRTUALMACHINE.txt',
      retrieveDatetime: new Date(azure.now()).toISOString(),
      signature: signatureOf(subscriptionId, offer),
      accepted: termsAccepted(azure, subscriptionId, offer),
    },
  };
}

/** Says that the caller has read these terms: a PUT must bring back what the GET gave. */
const signatureOf = (subscriptionId: string, offer: Offer): string =>
  createHash('sha256')
    .update(`${subscriptionId}|${keyOf(offer)}`.toLowerCase())
    .digest('hex')
    .toUpperCase();

const schema = z.looseObject({ properties: z.looseObject({ signature: z.string(), accepted: z.boolean() }) });

function put(azure: Azure, call: Call): Answer {
  const { signature, accepted } = parseBody(schema, call).properties;
  const expected = signatureOf(param(call, 'subscriptionId'), offerOf(azure, call));
  if (signature !== expected)
    throw badRequest(
      'BadRequest',
      'The signature of the terms is not the one of the current terms. Get them again, and accept those.',
    );
  return ok(accept(azure, call, accepted));
}

function accept(azure: Azure, call: Call, accepted: boolean): Record<string, unknown> {
  const key = keyOf(offerOf(azure, call));
  azure.db.run('INSERT OR REPLACE INTO terms VALUES (?, ?, ?)', param(call, 'subscriptionId'), key, accepted ? 1 : 0);
  return agreement(azure, call);
}
