// The provider suite with the checks of kernelTest(): nothing is left in the kernel.

import { type ProviderCase, providerSuite } from "../../testing/provider_suite.ts";
import { kernelTest } from "../helpers.ts";

/** Registers the tests of one provider. */
export function providerTests(one: ProviderCase): void {
  providerSuite(one, (name, fn) => kernelTest(name, [], fn));
}
