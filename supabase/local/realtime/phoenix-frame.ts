/** The two wire formats of Phoenix channels; realtime-js speaks 2.0.0 unless told otherwise. */
export type ProtocolVersion = "1.0.0" | "2.0.0";

/** A message from a client. */
export interface Frame {
  joinRef: string | null;
  ref: string | null;
  topic: string;
  event: string;
  payload: Record<string, unknown>;
}

/** What one client says to the others of its topic. */
export interface Broadcast {
  topic: string;
  event: string;
  /** JSON text, or bytes that are passed on as they are. */
  content: string | Uint8Array;
}

const PUSH_KIND = 3;
const BROADCAST_KIND = 4;
const JSON_ENCODING = 1;

/** Reads a client's message; garbage is undefined. */
export function readFrame(data: Buffer, isBinary: boolean): Frame | undefined {
  if (isBinary) return readBroadcastPush(data);
  try {
    const message: unknown = JSON.parse(data.toString("utf8"));
    if (Array.isArray(message)) return toFrame(message);
    const named = message as Record<string, unknown>;
    return toFrame([named.join_ref, named.ref, named.topic, named.event, named.payload]);
  } catch {
    return undefined;
  }
}

function toFrame([joinRef, ref, topic, event, payload]: unknown[]): Frame | undefined {
  if (typeof topic !== "string" || typeof event !== "string") return undefined;
  const fields = typeof payload === "object" && payload !== null ? (payload as Record<string, unknown>) : {};
  return { joinRef: asRef(joinRef), ref: asRef(ref), topic, event, payload: fields };
}

function asRef(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function readBroadcastPush(data: Buffer): Frame | undefined {
  if (data.length < 7 || data[0] !== PUSH_KIND) return undefined;
  let offset = 7;
  const [joinRef, ref, topic, event] = [1, 2, 3, 4].map((field) => {
    const length = data[field] ?? 0;
    offset += length;
    return data.toString("utf8", offset - length, offset);
  });
  offset += data[5] ?? 0; // metadata asks for storage, which there is none of here
  const body = data.subarray(offset);
  const content = data[6] === JSON_ENCODING ? body.toString("utf8") : new Uint8Array(body);
  return {
    joinRef: joinRef || null,
    ref: ref || null,
    topic: topic ?? "",
    event: "broadcast",
    payload: { event, content },
  };
}

/** Writes a message whose payload is already JSON text. */
export function writeFrame(
  version: ProtocolVersion,
  frame: { joinRef: string | null; ref: string | null; topic: string; event: string },
  payload: string,
): string {
  const [joinRef, ref, topic, event] = [frame.joinRef, frame.ref, frame.topic, frame.event].map((each) =>
    JSON.stringify(each),
  );
  switch (version) {
    case "1.0.0":
      return `{"join_ref":${joinRef},"ref":${ref},"topic":${topic},"event":${event},"payload":${payload}}`;
    case "2.0.0":
      return `[${joinRef},${ref},${topic},${event},${payload}]`;
    default:
      return version satisfies never;
  }
}

/** Writes a broadcast for a client; bytes can't be told to a client of version 1.0.0. */
export function writeBroadcast(
  version: ProtocolVersion,
  { topic, event, content }: Broadcast,
): string | Buffer | undefined {
  if (typeof content === "string") {
    const payload = `{"type":"broadcast","event":${JSON.stringify(event)},"payload":${content}}`;
    return writeFrame(version, { joinRef: null, ref: null, topic, event: "broadcast" }, payload);
  }
  if (version === "1.0.0") return undefined;
  const [topicBytes, eventBytes] = [Buffer.from(topic), Buffer.from(event)];
  const header = Buffer.from([BROADCAST_KIND, topicBytes.length, eventBytes.length, 0, 0]);
  return Buffer.concat([header, topicBytes, eventBytes, content]);
}
