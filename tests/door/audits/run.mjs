// Prints what each audit of graphql-http says about the server at the URL given, as JSON.
import { serverAudits } from "graphql-http";

const results = [];
for (const audit of serverAudits({ url: process.argv[2], fetchFn: fetch })) {
  const { name, status, reason } = await audit.fn();
  results.push({ name, status, reason });
}
console.log(JSON.stringify(results));
