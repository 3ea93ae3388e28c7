import { type Condition, parseFilter } from "./filter.ts";

export type ChangeType = "INSERT" | "UPDATE" | "DELETE";

/** What a channel asks to hear: one entry of `postgres_changes` in its join. */
export interface ChangeRequest {
  event: ChangeType | "*";
  schema: string;
  /** `*` for every table of the schema. */
  table: string;
  conditions: Condition[];
  /** The columns to send; undefined for all. */
  select: string[] | undefined;
}

export type ChangeRequestResult = { ok: true; request: ChangeRequest } | { ok: false; reason: string };

/** Reads one entry of `postgres_changes`. */
export function parseChangeRequest(entry: unknown): ChangeRequestResult {
  const { event, schema = "public", table = "*", filter, select } = (entry ?? {}) as Record<string, unknown>;
  if (!isEvent(event)) return refuse(entry, "`event` must be INSERT, UPDATE, DELETE or *");
  if (typeof schema !== "string" || typeof table !== "string")
    return refuse(entry, "`schema` and `table` must be text");
  if (select !== undefined && !isTextList(select)) return refuse(entry, "`select` must be a list of columns");
  if (filter === undefined || filter === null || filter === "")
    return { ok: true, request: { event, schema, table, conditions: [], select } };
  if (typeof filter !== "string") return refuse(entry, "`filter` must be text");
  if (table === "*") return refuse(entry, "`filter` needs a `table`");
  const parsed = parseFilter(filter);
  if (!parsed.ok) return refuse(entry, parsed.reason);
  return { ok: true, request: { event, schema, table, conditions: parsed.conditions, select } };
}

/** Tells whether a change of the given kind and table is what was asked for, filters aside. */
export function concerns(request: ChangeRequest, type: ChangeType, schema: string, table: string): boolean {
  return (
    (request.event === "*" || request.event === type) &&
    (request.schema === "*" || request.schema === schema) &&
    (request.table === "*" || request.table === table)
  );
}

function isEvent(event: unknown): event is ChangeRequest["event"] {
  return event === "INSERT" || event === "UPDATE" || event === "DELETE" || event === "*";
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function refuse(entry: unknown, reason: string): ChangeRequestResult {
  return {
    ok: false,
    reason: `Unable to subscribe to changes with given parameters ${JSON.stringify(entry)}: ${reason}`,
  };
}
