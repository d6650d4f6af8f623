// Read messages as the MCP SDK for TypeScript reads standard input, and print
// how each is understood.
import { readFileSync } from "node:fs";

const lines = readFileSync(0).toString("utf8").split("\n");
lines.pop(); // behind the last line feed
for (const line of lines) {
  const { method = "", id = null, params = {} } = JSON.parse(line.replace(/\r$/, ""));
  console.log(JSON.stringify([{ method, id, name: params.name ?? null, arguments: params.arguments ?? null }]));
}
