import type { TestDatabase } from "../tests/support/test-database.ts";
import type { Call } from "./call.ts";

/** Tables without guards, as the predecessor had them: the client reads, decides, and writes in separate requests. */
export async function openClientBook(db: TestDatabase): Promise<void> {
  await db.admin.unsafe(`
    create schema client_side authorization postgres;
    set role postgres;
    create table client_side.config (key text primary key, value text not null);
    insert into client_side.config select key, value from public.config;
    create table client_side.days (day date primary key, notional numeric not null);
    insert into client_side.days values (date '2026-03-01', 0);
    create table client_side.positions (symbol text primary key, qty numeric not null);
    create table client_side.orders (
      id uuid primary key default gen_random_uuid(), symbol text not null, side text not null, qty numeric not null,
      limit_price numeric not null, status text not null, idempotency_key text unique, created_at timestamptz not null default now()
    );
    create table client_side.events (
      id bigint generated always as identity primary key, order_id uuid not null, event_type text not null, ts timestamptz not null default now()
    );
    reset role`);
}

/** One entry with the guards in the client: six round trips, and nothing that keeps two clients from passing at once. False: turned down. */
export async function submitAsClient(call: Call, symbol: string, key: string): Promise<boolean> {
  const config = await call("select key, value from client_side.config");
  const knob = (name: string) => Number(config.find((row) => row.key === name)?.value);
  const [day] = await call("select notional from client_side.days where day = '2026-03-01'");
  const held = await call("select symbol, qty from client_side.positions where qty > 0");
  const after = Number(day?.notional) + 25;
  if (after > knob("MAX_DAILY_NOTIONAL") || held.length >= knob("MAX_OPEN_POSITIONS")) return false;
  const [order] = await call(
    `insert into client_side.orders (symbol, side, qty, limit_price, status, idempotency_key)
     values ($1, 'buy', 0.25, 99.99, 'new', $2) returning id`,
    [symbol, key],
  );
  await call("insert into client_side.events (order_id, event_type) values ($1, 'created')", [order?.id]);
  await call("update client_side.days set notional = $1::text::numeric where day = '2026-03-01'", [String(after)]);
  return true;
}
