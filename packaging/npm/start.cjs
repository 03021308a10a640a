/** A file of its own: an old Node cannot read `import()`, and never comes here (waxseal.cjs). */
'use strict';

void import('./main.js');
