import type pg from "pg";
import { changeData, NO_KEY, refusedData, UNAUTHORIZED } from "./change-payload.ts";
import { type ChangeRequest, concerns } from "./change-request.ts";
import type { RowChange } from "./change-stream.ts";
import type { Identity } from "./identity.ts";
import { type RenderedChange, renderChange } from "./rendered-change.ts";
import { seesRow } from "./row-visibility.ts";
import type { TableCatalog, TableShape } from "./table-catalog.ts";

/** A channel as the hub sees it. */
export interface Listener {
  /** Changes with the session token. */
  readonly identity: Identity;
  /** Sends an event; does nothing once the channel is closed, and never waits for the client. */
  send(event: string, payload: string): void;
}

export interface Subscription {
  id: number;
  listener: Listener;
  request: ChangeRequest;
}

/** Sends what was found out about a change. */
type Delivery = () => void;

const LOOKED_AT_TOGETHER = 8;

/** Knows who listens to what, and hands each change to those who may see it. */
export class ChangeHub {
  readonly #pool: pg.Pool;
  readonly #catalog: TableCatalog;
  readonly #log: (line: string) => void;
  readonly #subscriptions = new Set<Subscription>();
  /** The latest changes, each promise settled when it and all before it are delivered. */
  readonly #inFlight: Promise<void>[] = [];

  constructor(pool: pg.Pool, catalog: TableCatalog, log: (line: string) => void) {
    this.#pool = pool;
    this.#catalog = catalog;
    this.#log = log;
  }

  add(subscriptions: Iterable<Subscription>): void {
    for (const subscription of subscriptions) this.#subscriptions.add(subscription);
  }

  remove(listener: Listener): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.listener === listener) this.#subscriptions.delete(subscription);
    }
  }

  hears(listener: Listener): boolean {
    return [...this.#subscriptions].some((subscription) => subscription.listener === listener);
  }

  /**
   * Hands a change on, after the ones before it; one that can't be rendered is logged and lost, as Realtime promises no
   * delivery. Resolves when the next change may come: a few are looked at together.
   */
  async publish(change: RowChange): Promise<void> {
    const { type, schema, table } = change;
    const concerned = [...this.#subscriptions].filter(({ request }) => concerns(request, type, schema, table));
    if (concerned.length === 0) return;
    const delivered = this.#deliver(this.#prepare(change, concerned), this.#inFlight.at(-1)).catch((error: Error) =>
      this.#log(`realtime: a change of ${schema}.${table} is lost: ${error.message}`),
    );
    this.#inFlight.push(delivered);
    if (this.#inFlight.length >= LOOKED_AT_TOGETHER) await this.#inFlight.shift();
  }

  async #deliver(prepared: Promise<Delivery[]>, before: Promise<void> | undefined): Promise<void> {
    const [deliveries] = await Promise.all([prepared, before]);
    for (const deliver of deliveries) deliver();
  }

  async #prepare(change: RowChange, concerned: Subscription[]): Promise<Delivery[]> {
    const shape = await this.#catalog.shapeOf(change.tableId);
    if (!shape) return [];
    const filtered = concerned.filter(({ request }) => request.conditions.length > 0);
    const filters = filtered.map(({ request }) => request.conditions);
    const roles = [...new Set(concerned.map(({ listener }) => listener.identity.role))];
    const rendered = await renderChange(this.#pool, shape, change, roles, filters);
    const failed = new Set(filtered.filter((_, at) => !rendered.passed[at]));
    const wanted = concerned.filter((subscription) => !failed.has(subscription));
    const groups = groupBy(wanted, ({ listener }) => identityKey(listener.identity));
    return Promise.all([...groups.values()].map((group) => this.#prepareFor(group, change, shape, rendered)));
  }

  async #prepareFor(
    group: Subscription[],
    change: RowChange,
    shape: TableShape,
    rendered: RenderedChange,
  ): Promise<Delivery> {
    const identity = group[0]?.listener.identity;
    if (!identity || identity.expiresAt <= Date.now()) return () => {};
    const readable = new Set(rendered.readable[identity.role]);
    const objection = objectionTo(change, shape, readable);
    if (objection) return () => send(group, () => refusedData(change, objection));
    const isChecked = shape.hasRls && change.record !== undefined;
    if (isChecked && !(await seesRow(this.#pool, shape, change.record ?? {}, identity, this.#log))) return () => {};
    return () =>
      send(group, (select) =>
        changeData(shape, change, rendered, (column) => readable.has(column) && (!select || select.includes(column))),
      );
  }
}

function objectionTo(change: RowChange, shape: TableShape, readable: Set<string>): string | undefined {
  const key = shape.columns.filter((column) => column.inKey);
  if (key.length === 0) return NO_KEY;
  if (change.type !== "DELETE" && key.some(({ name }) => !readable.has(name))) return UNAUTHORIZED;
  return undefined;
}

// A channel gets one event for all of its subscriptions that ask for the same columns.
function send(group: Subscription[], dataFor: (select: string[] | undefined) => string): void {
  for (const sameColumns of groupBy(group, ({ request }) => JSON.stringify(request.select)).values()) {
    const data = dataFor(sameColumns[0]?.request.select);
    for (const [listener, subscriptions] of groupBy(sameColumns, (subscription) => subscription.listener)) {
      const ids = subscriptions.map(({ id }) => id);
      listener.send("postgres_changes", `{"ids":${JSON.stringify(ids)},"data":${data}}`);
    }
  }
}

function identityKey({ role, claims }: Identity): string {
  return `${role} ${claims}`;
}

function groupBy<Key>(
  subscriptions: Subscription[],
  keyOf: (subscription: Subscription) => Key,
): Map<Key, Subscription[]> {
  const groups = new Map<Key, Subscription[]>();
  for (const subscription of subscriptions) {
    const key = keyOf(subscription);
    const group = groups.get(key);
    if (group) group.push(subscription);
    else groups.set(key, [subscription]);
  }
  return groups;
}
