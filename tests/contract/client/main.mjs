/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the compiled sample with settings from the environment and prints what the story ended with. */
import { story } from "./sample.js";

console.log(await story(process.env));
