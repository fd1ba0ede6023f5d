CREATE TABLE `unfinished_moves` (
	`subject` text PRIMARY KEY NOT NULL,
	`home` text NOT NULL,
	`started_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `user_sessions` ADD `home` text;--> statement-breakpoint
ALTER TABLE `user_sessions` ADD `moves` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `home` text;--> statement-breakpoint
ALTER TABLE `users` ADD `moves` integer DEFAULT 0 NOT NULL;