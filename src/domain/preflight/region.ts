/** Is there a region of the name that the request gives? Pure. */
import type { Blueprint } from '../blueprint/blueprint';
import { finding } from './codes';
import type { Finding } from './finding';

export const checkRegion = ({ request: { placement } }: Blueprint, isKnown: boolean): readonly Finding[] =>
  isKnown
    ? []
    : [
        finding(
          'RegionUnknown',
          '/placement/location',
          `Azure has no region ${placement.location} for this subscription`,
          'Correct it: `az account list-locations --query "[].name" --output tsv` shows what there is.',
        ),
      ];
