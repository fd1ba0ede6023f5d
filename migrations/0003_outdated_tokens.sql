CREATE TABLE `outdated_tokens` (
	`subject` text PRIMARY KEY NOT NULL,
	`not_before` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `idx_outdated_tokens_expires` ON `outdated_tokens` (`expires_at`);--> statement-breakpoint
DROP INDEX `idx_users_not_before`;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `not_before`;