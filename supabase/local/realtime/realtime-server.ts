import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import pg from "pg";
import { WebSocketServer } from "ws";
import { ClientConnection } from "./client-connection.ts";
import type { ProtocolVersion } from "./phoenix-frame.ts";
import { RealtimeService } from "./realtime-service.ts";

const MOST_MESSAGE_BYTES = 3 * 1_048_576;
const LOOK_FOR_SILENT_CLIENTS_MS = 10_000;

/** What {@link createRealtime} needs: the database as supabase_admin, the keys, and where lines for the console go. */
export interface RealtimeOptions {
  databaseUrl: string;
  jwtSecret: string;
  publishableKey: string;
  secretKey: string;
  log(line: string): void;
}

/** A Realtime server without a port of its own: an HTTP server hands it the upgrade requests. */
export interface Realtime {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends every connection and the stream; the replication slot is gone when it resolves. */
  stop(): Promise<void>;
}

/** Starts a stand-in for Supabase Realtime that serves `postgres_changes` and broadcasts; it survives database restarts. */
export async function createRealtime(options: RealtimeOptions): Promise<Realtime> {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    application_name: "supabase_realtime_reads",
    max: 4,
    options: "-c search_path=", // so that the names of types come with their schema
  });
  pool.on("error", () => {}); // an idle connection that breaks is replaced by the pool
  await pool.query("select 1").catch(async (error: Error) => {
    await pool.end();
    throw error;
  });
  const service = new RealtimeService({ ...options, pool });
  service.start();
  const server = new WebSocketServer({ noServer: true, maxPayload: MOST_MESSAGE_BYTES });
  const silence = setInterval(() => service.endSilentClients(Date.now()), LOOK_FOR_SILENT_CLIENTS_MS);
  silence.unref();
  return {
    handleUpgrade: (request, socket, head) => accept(server, service, request, socket, head),
    stop: async () => {
      clearInterval(silence);
      await service.stop();
      server.close();
      await pool.end();
    },
  };
}

function accept(
  server: WebSocketServer,
  service: RealtimeService,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  const identity = service.identities.ofKey(query.get("apikey") ?? String(request.headers["x-api-key"] ?? ""));
  const version = protocolVersion(query.get("vsn"));
  if (!identity || !version) {
    if (!identity) refuse(socket, "401 Unauthorized", "The apikey is not one of this project");
    else refuse(socket, "400 Bad Request", "vsn must be 1.0.0 or 2.0.0");
    return;
  }
  server.handleUpgrade(request, socket, head, (client) => {
    const connection = new ClientConnection(client, version, identity, service);
    service.connections.add(connection);
    client.on("close", () => service.connections.delete(connection));
  });
}

function protocolVersion(vsn: string | null): ProtocolVersion | undefined {
  if (vsn === null || vsn === "1.0.0") return "1.0.0";
  return vsn === "2.0.0" ? vsn : undefined;
}

function refuse(socket: Duplex, status: string, message: string): void {
  const body = JSON.stringify({ message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
