import { inject } from "vitest";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

export type { ApiRole, Claims, TestDatabase } from "./test-database.ts";

/** Makes a migrated database on the cluster of this vitest run; `{ migrated: false }` gives one before our migrations. */
export function testDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  return createTestDatabase(inject("zoeCluster"), options.migrated ?? true);
}
