/** Fields of a function's log line that identify it rather than tell something. */
const QUIET_FIELDS = new Set([
  "level",
  "function",
  "event",
  "name",
  "tick",
  "outcome",
  "run_id",
  "runIds",
  "trace_id",
  "at",
]);

/**
 * Turns a function's JSON log line into a short one for the console: what happened and the fields that hold something.
 * Returns null for what only matters when one looks for it: a tick that begins, or was not due. Other text stays as it is.
 */
export function readable(text: string): string | null {
  const entry = parse(text);
  if (!entry) return text;
  const isRoutine = entry.event === "run_started" || (entry.event === "tick_ended" && entry.outcome === "skipped");
  if (entry.level === "info" && isRoutine) return null;
  const said = entry.event === "tick_ended" ? String(entry.outcome) : `${entry.event}`.replaceAll("_", " ");
  const fields = Object.entries(entry).filter(([name]) => !QUIET_FIELDS.has(name));
  const level = entry.level === "info" ? "" : `${entry.level}: `;
  return [level + said, ...fields.flatMap(([name, value]) => show(name, value))].join(", ");
}

function parse(text: string): Record<string, unknown> | null {
  if (!text.startsWith('{"')) return null;
  try {
    const entry = JSON.parse(text) as Record<string, unknown>;
    return typeof entry.event === "string" ? entry : null;
  } catch {
    return null;
  }
}

function show(name: string, value: unknown): string[] {
  if (value === null || value === 0 || value === "") return [];
  if (Array.isArray(value)) return value.length === 0 ? [] : [`${words(name)} ${value.map(flat).join(" / ")}`];
  if (typeof value === "object") return Object.entries(value).flatMap(([inner, each]) => show(inner, each));
  return [`${words(name)} ${value}`];
}

const words = (name: string) => name.replaceAll("_", " ");

const flat = (value: unknown) =>
  typeof value === "object" && value !== null
    ? Object.values(value)
        .filter((each) => each !== null)
        .join(" ")
    : `${value}`;
