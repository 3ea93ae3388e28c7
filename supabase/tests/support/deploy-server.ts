import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** What the CLI says about a function it deploys; paths are relative to the project's root. */
export interface DeployMetadata {
  readonly name: string;
  readonly entrypoint_path: string;
  readonly import_map_path: string;
  readonly verify_jwt: boolean;
}

/** One deployed function as it arrived. */
export interface Upload {
  readonly metadata: DeployMetadata;
  readonly files: readonly { readonly path: string; readonly content: string }[];
}

/** A stand-in for the part of the management API that `functions deploy --use-api` talks to. */
export interface DeployServer {
  readonly url: string;
  readonly uploads: ReadonlyMap<string, Upload>;
  close(): Promise<void>;
}

const readForm = async (request: IncomingMessage): Promise<FormData> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = { "content-type": request.headers["content-type"] ?? "" };
  return new Response(Buffer.concat(chunks), { headers }).formData();
};

const readUpload = async (form: FormData): Promise<Upload> => {
  const metadata = JSON.parse(String(form.get("metadata"))) as DeployMetadata;
  const files = await Promise.all(
    form.getAll("file").map(async (part) => ({ path: (part as File).name, content: await (part as File).text() })),
  );
  return { metadata, files };
};

/** Starts the stand-in on a free port of this machine. */
export const startDeployServer = async (): Promise<DeployServer> => {
  const uploads = new Map<string, Upload>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://stand-in");
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (request.method === "GET" && url.pathname.endsWith("/functions")) return answer(200, []);
    // Several functions at once: each is bundled first, then all are switched on together.
    if (request.method === "PUT" && url.pathname.endsWith("/functions")) return answer(200, { functions: [] });
    if (request.method !== "POST" || !url.pathname.endsWith("/functions/deploy"))
      return answer(404, { message: "not here" });
    const slug = url.searchParams.get("slug") ?? "";
    const upload = await readUpload(await readForm(request));
    uploads.set(slug, upload);
    const { verify_jwt, entrypoint_path } = upload.metadata;
    answer(201, {
      id: slug,
      slug,
      name: slug,
      status: "ACTIVE",
      version: 1,
      created_at: 1,
      updated_at: 1,
      verify_jwt,
      entrypoint_path,
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () =>
    new Promise<void>((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, uploads, close };
};
