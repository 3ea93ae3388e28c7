/** What the server sends back: JSON text, so that recorded decimals pass through digit by digit. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Returns a 200 answer. */
export function ok(body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, body: JSON.stringify(body), headers };
}

/** Returns Coinbase's error shape. */
export function problem(status: 400 | 404 | 405 | 429 | 500, message: string): Answer {
  return { status, body: JSON.stringify({ message }) };
}
