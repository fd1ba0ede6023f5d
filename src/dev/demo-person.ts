/** The made-up user whose sessions the page under `npm start` begins; there, also an operator. */
export const DEMO_USER_ID = '5e551005-0000-4000-8000-00000000d3a0';
