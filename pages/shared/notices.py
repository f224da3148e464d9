"""What stands in the place of a page that cannot be drawn."""

from __future__ import annotations

import streamlit as st

from data.registry.environment import DATA_DIR
from data.store.versions import REMEDY, data_dir, has_pointer
from geo.errors import StoreError
from pages.shared.components import header, plain


def store_missing(fault: StoreError) -> None:
    """Say that there is no data, or that it is damaged, and what to do about it.

    What a build does not mend (a saved run, a full disk) says its own remedy.
    """
    if REMEDY not in str(fault):
        st.error(plain(fault), icon=":material/error:")
        return
    damaged = has_pointer(data_dir())
    header("数据库需要修复" if damaged else "还没有可用的数据")
    st.error(plain(fault), icon=":material/database_off:")
    st.markdown(
        f"请在服务器上运行下面的命令{'修复' if damaged else '生成'}数据库，完成后刷新本页，不必重启服务："
    )
    st.code("sutu build", language="bash")
    st.markdown(
        "构建不需要互联网，一般不超过一分钟；已导入的数据、保存的方案和运行记录都不受影响。"
        f"若数据目录不在默认位置，请先设置环境变量 `{DATA_DIR}`。"
    )


def broken(number: str) -> None:
    """Say that the page could not be drawn for a reason that is not the reader's."""
    st.error(
        "这一页没能显示，问题已记入服务器日志。请刷新重试；若仍如此，请把下面的编号告诉系统管理员。",
        icon=":material/error:",
    )
    st.code(number, language=None)
