"""A province of two prefectures and four square counties, and tables of facilities in it."""

import geopandas as gpd
import pandas as pd
import shapely

from geo.crs import STORE_CRS

# West, south, east, north; the counties of 320100 share an edge.
SQUARES = {
    "320102": ("玄武区", "玄武", (118.80, 32.00, 118.90, 32.10)),
    "320106": ("鼓楼区", "鼓楼", (118.70, 32.00, 118.80, 32.10)),
    "320302": ("鼓楼区", "鼓楼", (117.10, 34.20, 117.20, 34.30)),
    "320303": ("云龙区", "云龙", (117.20, 34.20, 117.30, 34.30)),
}
HEADER = ("名称", "类型", "等级", "规模", "经度", "纬度", "行政区划代码", "地址", "数据日期", "编号")
GOOD = (
    ("市第一医院", "综合医院", "三级甲等", "1200", "118.85", "32.05", "320102", "某路1号", "2023-06", "A1"),
    ("玄武社区卫生服务中心", "社区卫生服务中心", "", "", "118.82", "32.03", "320102", "", "2023", "A2"),
    ("鼓楼养老院", "养老机构", "", "80", "118.75", "32.05", "", "", "", "A3"),
)


def regions() -> gpd.GeoDataFrame:
    """Return the region table with geometry (EPSG:4490)."""
    counties = {code: (*names, shapely.box(*bounds)) for code, (*names, bounds) in SQUARES.items()}
    rows = [
        (
            "320000",
            "江苏省",
            "江苏",
            "province",
            None,
            shapely.union_all([row[2] for row in counties.values()]),
        ),
        ("320100", "南京市", "南京", "prefecture", "320000", shapely.box(118.70, 32.00, 118.90, 32.10)),
        ("320300", "徐州市", "徐州", "prefecture", "320000", shapely.box(117.10, 34.20, 117.30, 34.30)),
        *(
            (code, name, short, "county", f"{code[:4]}00", shape)
            for code, (name, short, shape) in counties.items()
        ),
    ]
    table = pd.DataFrame(rows, columns=["adcode", "name", "short_name", "level", "parent", "geometry"])
    return gpd.GeoDataFrame(table, geometry="geometry", crs=STORE_CRS)
