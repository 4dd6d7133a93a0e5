/** The two kinds of image that a request may name by id: a managed image, and a version in a gallery. Pure. */

export const isManagedImage = (id: string): boolean => !/\/galleries\//i.test(id);

/** The image definition that a version belongs to: it says what all its versions are. */
export const definitionOf = (versionId: string): string => versionId.replace(/\/versions\/[^/]+$/i, '');
