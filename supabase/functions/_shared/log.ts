/** How grave a log line is. */
export type LogLevel = "info" | "warn" | "error";

/** Writes one line; fields are plain JSON. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;

const REDACTED = "[redacted]";
const SECRET_FIELD = /^(authorization|apikey|cookie|password|.*(api_key|secret|_token|-token))$/i;
const SECRET_TEXT = [
  /\bsb_secret_[\w-]+/g,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /\bBearer\s+\S+/gi,
  /(postgres(?:ql)?:\/\/[^:/\s]+:)[^@\s]+@/g,
];

const redactText = (text: string, secrets: readonly string[]): string => {
  const known = secrets.reduce((cleaned, secret) => cleaned.replaceAll(secret, REDACTED), text);
  return SECRET_TEXT.reduce((cleaned, pattern) => cleaned.replace(pattern, REDACTED), known);
};

const redact = (value: unknown, secrets: readonly string[]): unknown => {
  if (typeof value === "string") return redactText(value, secrets);
  if (value instanceof Error) return redactText(value.message, secrets);
  if (Array.isArray(value)) return value.map((item) => redact(item, secrets));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    SECRET_FIELD.test(key) ? REDACTED : redact(item, secrets),
  ]);
  return Object.fromEntries(entries);
};

/** Returns a log of one JSON object a line in which no secret survives: not the given ones, nor anything that looks like one. */
export const jsonLog =
  (name: string, secrets: readonly string[], write: (line: string) => void): Log =>
  (level, event, fields = {}) =>
    write(JSON.stringify({ level, function: name, event, ...(redact(fields, secrets.filter(Boolean)) as object) }));

/** Drops every line. */
export const silentLog: Log = () => undefined;

/** Returns the message of whatever was thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
