import type { TestProject } from "vitest/node";
import { type ClusterAddress, startTestCluster } from "./test-cluster.ts";

declare module "vitest" {
  interface ProvidedContext {
    zoeCluster: ClusterAddress;
  }
}

/** Several vitest projects run this file; they share one cluster, and the last one to finish stops it. */
const shared = globalThis as typeof globalThis & {
  zoeCluster?: ReturnType<typeof startTestCluster>;
  zoeUsers?: number;
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.zoeUsers = (shared.zoeUsers ?? 0) + 1;
  shared.zoeCluster ??= startTestCluster();
  const { address, stop } = await shared.zoeCluster;
  project.provide("zoeCluster", address);
  return async () => {
    shared.zoeUsers = (shared.zoeUsers ?? 1) - 1;
    if (shared.zoeUsers > 0) return;
    delete shared.zoeCluster;
    await stop();
  };
}
