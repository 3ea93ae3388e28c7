import { startCronLauncher } from "./cron-launcher.ts";
import { startNetWorker } from "./net-worker.ts";

/** Options of {@link startCronAndNet}: the database as supabase_admin, and where lines for the console go. */
export interface CronAndNetOptions {
  databaseUrl: string;
  log(line: string): void;
}

/** Starts the background workers of the stand-ins for pg_cron and pg_net; both connect again after a restart. */
export async function startCronAndNet({ databaseUrl, log }: CronAndNetOptions): Promise<{ stop(): Promise<void> }> {
  const net = await startNetWorker(databaseUrl, log);
  const cron = await startCronLauncher(databaseUrl, log);
  return {
    stop: async () => {
      await cron.stop();
      await net.stop();
    },
  };
}
