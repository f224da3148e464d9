"""数据导入: a person's file, checked whole, shown with every fault or as it would go in, then taken in."""

from __future__ import annotations

import streamlit as st

from data.store.store import Store, data_dir, open_store
from layers.assets import own_folder
from pages.imports import jobs as import_jobs
from pages.imports.check import Checked, show
from pages.imports.form import Asked, draw_form
from pages.imports.kinds import KINDS, check
from pages.imports.roads import show_network
from pages.shared import choices, components, file_jobs
from pages.shared.file_jobs import show_end, show_progress

_REFRESH_SECONDS = 0.5
_PAGE = "import"


def page() -> None:
    """Draw the page."""
    st.html(own_folder() / "data_import.css")
    store = open_store()
    with st.container(key="page_head"):
        components.header(
            "数据导入", note="先核对全部内容：有问题逐条列出、什么也不写；没有问题才写入并重建数据库"
        )
    job = import_jobs.current(data_dir())
    if job is not None:
        _outcome(job) if job.ended.is_set() else _progress()
    kind = choices.choose(
        "import_kind",
        "导入什么",
        list(KINDS),
        "facilities",
        widget=st.segmented_control,
        format_func=lambda key: KINDS[key].name,
    )
    left, right = st.columns([2, 3], gap="large")
    with left, st.container(key="import_form"):
        asked = draw_form(KINDS[kind])
        if kind == "osm":
            show_network(data_dir())
    with right, st.container(key="import_found"):
        _checked(store, asked)
    st.caption(
        components.plain(
            f"数据版本 {store.data_version}。导入的文件保存在数据目录，不上传到任何地方；"
            "同一来源再次导入时取代上一次。命令行：sutu import。"
        )
    )


def _checked(store: Store, asked: Asked) -> None:
    """Draw what the file holds, or what is wrong with it, and the button that takes it in."""
    if asked.path is None:
        st.info("选好文件和各项后，这里显示核对结果。", icon=":material/fact_check:")
        return
    if not asked.complete:
        st.info(asked.missing, icon=":material/fact_check:")
        return
    found = _check(store, asked)
    if found is None:
        return
    show(found)
    running = import_jobs.current(data_dir())
    busy = running is not None and not running.ended.is_set()
    if found.ready:
        st.button(
            "导入并重建数据库",
            type="primary",
            icon=":material/database_upload:",
            disabled=busy,
            on_click=_start,
            args=(asked,),
            key="import_start",
        )


def _check(store: Store, asked: Asked) -> Checked | None:
    """Return the check of a file, made once for the same file and choices; None while there is none."""
    key = (asked.key, store.data_version)
    with st.spinner("正在核对…"):
        reading = file_jobs.read(_PAGE, key, lambda control: check(store, asked, control))
    if not reading.ended.is_set():
        show_progress(_PAGE)
    elif reading.fault is not None:
        show_end(_PAGE, reading)
    else:
        checked: Checked = reading.result
        return checked
    return None


def _start(asked: Asked) -> None:
    """Start the import; it goes on when the page is left."""
    path, folder = asked.path, data_dir()
    assert path is not None  # noqa: S101 - the button stands below a checked file
    reading = file_jobs.current(_PAGE)
    checked: Checked | None = None if reading is None else reading.result
    found = None if checked is None else checked.found
    job = import_jobs.start(folder, path.parent, path.name, asked.intake, found)
    file_jobs.let_go(path.parent, remove=job.folder != path.parent)
    file_jobs.drop(_PAGE)
    st.session_state.pop("import_upload", None)
    st.session_state["import_turn"] = st.session_state.get("import_turn", 0) + 1


@st.fragment(run_every=_REFRESH_SECONDS)
def _progress() -> None:
    """Draw how far the import is; the whole page anew when it has ended."""
    job = import_jobs.current(data_dir())
    if job is None or job.ended.is_set():
        st.rerun()
        return
    with st.container(key="import_progress"):
        st.progress(job.share, text=components.plain(f"正在导入 {job.name}：{job.step}"))
        if job.reading:
            st.button("取消导入", on_click=job.called_off.set, key="import_cancel")


def _outcome(job: import_jobs.Job) -> None:
    """Say how the latest import ended."""
    with st.container(key="import_outcome", border=True):
        if job.summary is not None:
            first, *notes = job.summary.lines()
            st.success(components.plain(first), icon=":material/check_circle:")
            for note in notes:
                st.markdown(f"- {components.plain(note)}")
        elif job.faults is not None:
            show(Checked.of_faults(job.faults))
        else:
            st.error(components.plain(f"{job.name}：{job.failure}"), icon=":material/error:")
        st.button("知道了", on_click=import_jobs.forget, args=(data_dir(),), key="import_seen")
