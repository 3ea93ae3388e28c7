import { errors, jwtVerify } from "jose";

/** The roles that a client can act as. */
export type ApiRole = "anon" | "authenticated" | "service_role";

/** In whose name a channel reads. */
export interface Identity {
  role: ApiRole;
  /** The token's claims as JSON text, as request.jwt.claims shows them to policies. */
  claims: string;
  /** The token's subject, or nothing. */
  subject: string;
  /** When the token ends, in milliseconds since 1970; never for a key. */
  expiresAt: number;
}

/** An identity, or the reason for refusing the token in Realtime's words. */
export type IdentityResult = { ok: true; identity: Identity } | { ok: false; reason: string };

export interface IdentityKeys {
  jwtSecret: string;
  publishableKey: string;
  secretKey: string;
}

/** Tells who stands behind an API key or a session token. */
export class IdentityCheck {
  readonly #keys: IdentityKeys;
  readonly #secret: Uint8Array;

  constructor(keys: IdentityKeys) {
    this.#keys = keys;
    this.#secret = new TextEncoder().encode(keys.jwtSecret);
  }

  /** Returns the identity of an API key, or undefined when nobody handed it out. */
  ofKey(key: string | null): Identity | undefined {
    if (key === this.#keys.publishableKey) return keyIdentity("anon");
    if (key === this.#keys.secretKey) return keyIdentity("service_role");
    return undefined;
  }

  /** Verifies a session token, signed with HS256. */
  async ofToken(token: string): Promise<IdentityResult> {
    try {
      const { payload } = await jwtVerify(token, this.#secret, { algorithms: ["HS256"] });
      const { role, sub, exp } = payload;
      if (!isApiRole(role))
        return { ok: false, reason: "InvalidJWTToken: Fields `role` and `exp` are required in JWT" };
      if (exp === undefined)
        return { ok: false, reason: "InvalidJWTToken: Fields `role` and `exp` are required in JWT" };
      return {
        ok: true,
        identity: { role, claims: JSON.stringify(payload), subject: sub ?? "", expiresAt: exp * 1000 },
      };
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        return { ok: false, reason: expiredReason(Number(error.payload.exp) * 1000) };
      return { ok: false, reason: "JwtSignatureError: Failed to validate JWT signature" };
    }
  }
}

/** Says since when a token is of no use any more. */
export function expiredReason(expiresAt: number): string {
  const seconds = Math.max(0, Math.floor((Date.now() - expiresAt) / 1000));
  return `InvalidJWTToken: Token has expired ${seconds} seconds ago`;
}

function keyIdentity(role: ApiRole): Identity {
  return { role, claims: JSON.stringify({ role }), subject: "", expiresAt: Number.POSITIVE_INFINITY };
}

function isApiRole(role: unknown): role is ApiRole {
  return role === "anon" || role === "authenticated" || role === "service_role";
}
