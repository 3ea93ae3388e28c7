import { parentPort, workerData } from "node:worker_threads";
import type { ClusterAddress } from "../support/test-cluster.ts";
import { simulateSeed } from "./simulate-seed.ts";

const port = parentPort;
if (!port) throw new Error("worker.ts runs in a worker thread");

port.on("message", (seed: number | null) => {
  if (seed === null) return port.close();
  void simulateSeed(workerData as ClusterAddress, seed).then((result) => port.postMessage(result));
});
