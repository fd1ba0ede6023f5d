/**
 * The tables. A column that a refresh writes has no index, because every index on it would cost a
 * second written row on every refresh. Defaults are in the tables themselves, so that a row
 * inserted by plain SQL gets them.
 */
export * from './tables/event-tables';
export * from './tables/session-tables';
export * from './tables/upkeep-tables';
export * from './tables/user-tables';
