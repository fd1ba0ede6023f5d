ALTER TABLE `user_sessions` ADD `label` text;--> statement-breakpoint
ALTER TABLE `user_sessions` ADD `metadata` text;--> statement-breakpoint
ALTER TABLE `user_sessions` ADD `tokens_not_before` integer;--> statement-breakpoint
ALTER TABLE `user_sessions` ADD `act` text;--> statement-breakpoint
CREATE INDEX `idx_user_sessions_stale` ON `user_sessions` (`tokens_not_before`) WHERE tokens_not_before IS NOT NULL;