import type { IncomingMessage, ServerResponse } from "node:http";

/** What a browser on any origin may ask of the API, as a hosted project's gateway allows it. Keys and tokens are what protects. */
export const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
  "access-control-allow-headers":
    "authorization, apikey, content-type, x-client-info, x-region, x-supabase-api-version, accept-profile, content-profile, prefer, range",
  "access-control-expose-headers": "content-range, content-location, preference-applied, x-supabase-api-version",
} as const;

/** Answers a browser's question before its request; false when the request is no such question. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method !== "OPTIONS") return false;
  response.writeHead(204, { ...CORS, "access-control-max-age": "600" }).end();
  return true;
}
