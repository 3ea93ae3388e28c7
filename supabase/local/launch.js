// `npm start`: plain JavaScript, so that what is missing before TypeScript can run is one clear sentence too.

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19))
  refuse(`Zoe needs Node 20.19 or newer; this is ${process.versions.node}.`);

try {
  const { register } = await import("tsx/esm/api");
  register();
  await import("./start.ts");
} catch (error) {
  const missing = error.code === "ERR_MODULE_NOT_FOUND" && /Cannot find package '([^']+)'/.exec(error.message)?.[1];
  if (!missing) throw error;
  refuse(`The package ${missing} is missing: run \`npm ci\` first.`);
}

function refuse(sentence) {
  console.error(sentence);
  process.exit(1);
}
