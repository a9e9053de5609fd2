// SPDX-License-Identifier: GPL-2.0
// sw_sync of the kernel as a loadable module: the two functions that only a built-in one has, and its file.
#include <linux/debugfs.h>
#include <linux/module.h>
#include "sync_debug.h"

void sync_timeline_debug_add(struct sync_timeline *obj) { }
void sync_timeline_debug_remove(struct sync_timeline *obj) { }

static int __init swsync_init(void)
{
	debugfs_create_file_unsafe("sw_sync", 0644, debugfs_create_dir("sync", NULL), NULL, &sw_sync_debugfs_fops);
	return 0;
}
module_init(swsync_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("sw_sync as a loadable module, for tests");
