import { spawn } from "node:child_process";

/** One command of a check, as a person would type it. */
export interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the steps one after another, each with its output and time on the console; stops at the first that fails. Returns the name of the step that failed. */
export async function runSteps(steps: readonly Step[]): Promise<string | undefined> {
  for (const step of steps) {
    const started = performance.now();
    console.log(`\n── ${step.name}: ${step.command.join(" ")}`);
    const code = await run(step);
    console.log(
      `── ${step.name}: ${code === 0 ? "ok" : `failed with exit code ${code}`} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    if (code !== 0) return step.name;
  }
  return undefined;
}

function run(step: Step): Promise<number> {
  const [file, ...args] = step.command;
  const child = spawn(file, args, { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...step.env } });
  return new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(error.message);
      resolve(127);
    });
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
