interface Endpoint {
  readonly url: string;
  readonly publishableKey: string;
}

declare global {
  interface Window {
    __ZOE__?: Partial<Endpoint>;
  }
}

/** Returns where the project lives, from the build's variables or the platform's /config.js; throws a sentence that names what is missing. */
export function readEndpoint(): Endpoint {
  const injected = window.__ZOE__ ?? {};
  const url = import.meta.env.VITE_SUPABASE_URL ?? injected.url;
  const publishableKey = import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY ?? injected.publishableKey;
  const missing = [!url && "VITE_SUPABASE_URL", !publishableKey && "VITE_SUPABASE_PUBLISHABLE_KEY"].filter(Boolean);
  if (!url || !publishableKey) {
    throw new Error(
      `The dashboard was built without ${missing.join(" and ")}. Set it in the site's environment and build again.`,
    );
  }
  return { url, publishableKey };
}
