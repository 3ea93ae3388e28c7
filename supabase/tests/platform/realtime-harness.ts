import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type RealtimeChannel, type SupabaseClient } from "@supabase/supabase-js";
import { SignJWT } from "jose";
import { WebSocket } from "ws";
import { createRealtime, type Realtime } from "../../local/realtime/realtime-server.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

const JWT_SECRET = "a-test-secret-of-at-least-32-characters";
export const PUBLISHABLE_KEY = "sb_publishable_test";
export const SECRET_KEY = "sb_secret_test";

/** A postgres_changes event as supabase-js hands it to a listener. */
export interface Heard {
  eventType: string;
  table: string;
  new: Record<string, unknown>;
  old: Record<string, unknown>;
  errors: string[] | null;
}

/** A Realtime server with a database of its own and two people, each of whom sees their own rows only. */
export class RealtimeHarness {
  readonly ann = randomUUID();
  readonly bob = randomUUID();
  readonly lines: string[] = [];
  readonly #clients: SupabaseClient[] = [];
  db!: TestDatabase;
  realtime!: Realtime;
  #server!: Server;

  async start(): Promise<void> {
    this.db = await testDatabase({ migrated: false });
    await this.db.sql.unsafe(TABLES);
    this.realtime = await createRealtime({
      databaseUrl: this.db.url("supabase_admin"),
      jwtSecret: JWT_SECRET,
      publishableKey: PUBLISHABLE_KEY,
      secretKey: SECRET_KEY,
      log: (line) => this.lines.push(line),
    });
    this.#server = createServer();
    this.#server.on("upgrade", (request, socket, head) => this.realtime.handleUpgrade(request, socket, head));
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.removeAllChannels()));
    for (const client of this.#clients) await client.realtime.disconnect();
    await this.realtime.stop();
    this.#server.close();
    await this.db.drop();
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Signs a session token that ends after the given seconds. */
  token(subject: string, seconds = 3600, role = "authenticated"): Promise<string> {
    return new SignJWT({ role, email: `${subject}@example.test` })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(subject)
      .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
      .sign(new TextEncoder().encode(JWT_SECRET));
  }

  /** Makes a supabase-js client; without a subject it has no session. */
  async client(
    subject?: string,
    options: { key?: string; vsn?: "1.0.0" | "2.0.0"; token?: string } = {},
  ): Promise<SupabaseClient> {
    const client = createClient(`http://127.0.0.1:${this.port}`, options.key ?? PUBLISHABLE_KEY, {
      auth: { persistSession: false, autoRefreshToken: false },
      realtime: { transport: WebSocket as never, ...(options.vsn ? { vsn: options.vsn } : {}) },
    });
    this.#clients.push(client);
    const token = options.token ?? (subject ? await this.token(subject) : undefined);
    if (token) await client.realtime.setAuth(token);
    return client;
  }

  /** Opens a WebSocket that speaks Phoenix by hand. */
  async socket(query = `apikey=${PUBLISHABLE_KEY}&vsn=2.0.0`): Promise<{ socket: WebSocket; frames: unknown[][] }> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/realtime/v1/websocket?${query}`);
    const frames: unknown[][] = [];
    socket.on("message", (data) => frames.push(JSON.parse(String(data))));
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return { socket, frames };
  }
}

/** Listens on a channel of one or more tables and resolves when the changes flow. */
export async function listen(
  client: SupabaseClient,
  requests: Record<string, unknown>[],
  topic = `t${randomUUID()}`,
  config: Record<string, unknown> = {},
): Promise<{
  channel: RealtimeChannel;
  heard: Heard[];
  system: Record<string, unknown>[];
  statuses: string[];
  errors: string[];
}> {
  const channel = client.channel(topic, { config });
  const [heard, system, statuses, errors]: [Heard[], Record<string, unknown>[], string[], string[]] = [[], [], [], []];
  for (const request of requests) {
    channel.on(
      "postgres_changes",
      { event: "*", schema: "public", table: "notes", ...request } as never,
      (event: Heard) => heard.push(event),
    );
  }
  channel.on("system" as never, {} as never, (message: Record<string, unknown>) => system.push(message));
  channel.subscribe((status, error) => {
    statuses.push(status);
    if (error) errors.push(error.message);
  });
  await until(() => system.length > 0 || statuses.some((status) => status === "CHANNEL_ERROR"));
  return { channel, heard, system, statuses, errors };
}

/** Waits until the condition holds; the test's own timeout ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

const TABLES = `
  create table public.notes (
    id bigint primary key, owner uuid, body text, price numeric, qty integer, done boolean, tags text[], doc jsonb,
    at timestamptz, secret text, huge text, doubled integer generated always as (qty * 2) stored
  );
  alter table public.notes alter column huge set storage external;
  alter table public.notes enable row level security;
  create policy "people read their notes" on public.notes for select to authenticated using (owner = (select auth.uid()));
  revoke all on public.notes from anon, authenticated, service_role;
  grant select (id, owner, body, price, qty, done, tags, doc, at, huge, doubled) on public.notes to authenticated;
  grant select on public.notes to service_role;
  create table public.open_notes (a integer, b text, body text, primary key (a, b));
  grant select on public.open_notes to anon, authenticated;
  create table public.keyless (body text);
  alter table public.keyless replica identity full;
  grant select on public.keyless to authenticated;
  create table public.unpublished (id integer primary key);
  grant select on public.unpublished to authenticated;
  alter publication supabase_realtime add table public.notes, public.open_notes, public.keyless;`;
