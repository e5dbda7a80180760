/**
 * The scripts of the service, of its commands and of the tests import this file first. With an older Node.js, npm only
 * warns of `engines` in package.json, and the program ends with the stack of a SyntaxError.
 */
const { node } = process.versions;
const [major = 0, minor = 0] = node.split('.').map(Number);
const isSupported = major === 20 ? minor >= 19 : major > 22 || (major === 22 && minor >= 12);

if (!isSupported) {
  console.error(
    `Kinship needs Node.js 22.12 or later, or a release of Node.js 20 from 20.19 on. This is ${node}.`,
  );
  process.exit(1);
}
