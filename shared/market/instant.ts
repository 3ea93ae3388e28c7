/** A moment in milliseconds since 1970, UTC. */
export type Millis = number;

const ISO_WITH_ZONE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)$/;

/** Reads ISO 8601 text that names its zone; null when it is anything else. Digits finer than a millisecond are cut. */
export const parseInstant = (text: string): Millis | null => {
  if (!ISO_WITH_ZONE.test(text)) return null;
  const normal = text
    .replace(" ", "T")
    .replace(/([+-]\d\d)$/, "$1:00")
    .replace(/([+-]\d\d)(\d\d)$/, "$1:$2");
  // biome-ignore lint/style/noRestrictedGlobals: parsing a text that names its zone reads no clock.
  const at = Date.parse(normal.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isNaN(at) ? null : at;
};

/** Writes a moment as ISO 8601 with Z. */
export const formatInstant = (at: Millis): string =>
  // biome-ignore lint/style/noRestrictedGlobals: formatting a given moment reads no clock.
  new Date(at).toISOString();
