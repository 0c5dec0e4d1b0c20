// Makes visits.wasm.
import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const { component } = await componentize({
  sourcePath: 'visits.js',
  witPath: 'wit',
  worldName: 'visits',
  // It sends no requests. Keep 'clocks' and 'random': without them, it is always the hour of the build.
  disableFeatures: ['http', 'fetch-event'],
});
await writeFile('visits.wasm', component);
