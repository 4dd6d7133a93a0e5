/** Azure shows an id in whatever case it was asked for first; its names have no case either. Pure. */
export const isSame = (a: string | undefined, b: string | undefined): boolean => a?.toLowerCase() === b?.toLowerCase();

export const isAmong = (ids: readonly string[], id: string): boolean => ids.some((one) => isSame(one, id));
