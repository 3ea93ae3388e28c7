import { AsyncLocalStorage } from "node:async_hooks";
import { loadLite } from "./quiet-lite.ts";

/** What the embedded REST and Auth server needs to know. */
export interface RestAndAuthOptions {
  /** A login role that may become anon, authenticated and service_role and owns what Auth writes: `zoe_gateway`. */
  databaseUrl: string;
  jwtSecret: string;
  publishableKey: string;
  secretKey: string;
  siteUrl: string;
}

/** REST (`/rest/v1`) and Auth (`/auth/v1`) as one request handler. */
export interface RestAndAuth {
  fetch(request: Request): Promise<Response>;
  stop(): Promise<void>;
}

/** Set while lite works on a request: it prints every refusal with its stack, though the answer already says it. */
const insideLite = new AsyncLocalStorage<true>();
const printError = console.error;
console.error = (...args: unknown[]) => {
  if (!insideLite.getStore()) printError(...args);
};

/** lite hands over JSON that it has already written as text; the driver must not write that text as a JSON string again. */
const encodedJson = (oid: number) => ({
  to: oid,
  from: [oid],
  serialize: (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)),
  parse: (text: string): unknown => JSON.parse(text),
});

/** Serves PostgREST's and GoTrue's protocols from @supabase/lite, without letting it touch any privilege. */
export async function createRestAndAuth(options: RestAndAuthOptions): Promise<RestAndAuth> {
  const { App, createPostgresConnection } = await loadLite();
  const connection = createPostgresConnection({
    url: options.databaseUrl,
    postgresOptions: {
      max: 8,
      onnotice: () => {},
      connection: { application_name: "rest-and-auth" },
      types: { json: encodedJson(114), jsonb: encodedJson(3802) },
    },
  });
  // While this says "unknown", the first request grants everything to the API roles and so undoes our revokes.
  Reflect.set(connection, "rlsState", "active");
  const app = new App({
    connection,
    api: { enabled: true, schemas: ["public"], max_rows: 1000 },
    auth: {
      enabled: true,
      jwt_secret: options.jwtSecret,
      publishable_key: options.publishableKey,
      secret_key: options.secretKey,
      site_url: options.siteUrl,
      enable_signup: false,
      minimum_password_length: 12,
    },
    storage: { enabled: false },
    options: { server: { admin: false, disableStudio: true, disableFallback: true } },
  });
  return {
    fetch: (request) => insideLite.run(true, () => app.fetch(request, { peerAddress: null })),
    stop: () => connection.close(),
  };
}
