/** The Edge Functions that are deployed and scheduled. */
export const FUNCTION_NAMES = ["trader-tick", "edge-factory-tick", "reposition-tick"] as const;
