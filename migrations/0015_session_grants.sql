ALTER TABLE `user_sessions` ADD `persistent` integer;--> statement-breakpoint
ALTER TABLE `user_sessions` ADD `scopes` text;--> statement-breakpoint
ALTER TABLE `user_sessions` ADD `audiences` text;