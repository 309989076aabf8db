using System.Buffers;
using Streams.Core;

namespace Streams.Core.Tests.Cursors;

public class CursorTests
{
    [Fact]
    public void Joins_converge_in_any_order_grouping_and_repetition()
    {
        for (int seed = 0; seed < 3000; seed++)
        {
            Chance chance = new(seed);
            Cursor a = chance.Cursor(), b = chance.Cursor(), c = chance.Cursor();
            Assert.Equal(Cursor.Join(a, b), Cursor.Join(b, a));
            Assert.Equal(Cursor.Join(Cursor.Join(a, b), c), Cursor.Join(a, Cursor.Join(b, c)));
            Assert.Equal(a, Cursor.Join(a, a));
            Assert.Equal(Cursor.Join(a, b), Cursor.Join(Cursor.Join(a, b), b));
        }
    }

    [Fact]
    public void R11_a_higher_generation_wins_whole_even_when_it_lies_behind()
    {
        Origin sj = Origin.Parse("sj.0000000000000001");
        Cursor far = Cursor.Start.With(sj, new Offset(90));
        Cursor rewound = new(new Generation(1, sj), Cursor.Start.Positions.SetItem(sj, new Offset(3)), []);
        Assert.Equal(new Offset(3), Cursor.Join(far, rewound)[sj]);
    }

    [Fact]
    public void R11_two_rewinds_at_once_do_not_cancel_each_other()
    {
        Origin sj = Origin.Parse("sj.0000000000000001"), ny = Origin.Parse("ny.0000000000000001");
        Cursor atSj = new(new Generation(1, sj), Cursor.Start.With(sj, default).With(ny, new Offset(50)).Positions, []);
        Cursor atNy = new(new Generation(1, ny), Cursor.Start.With(sj, new Offset(50)).With(ny, default).Positions, []);
        Assert.Equal(atSj, Cursor.Join(atSj, atNy));
    }

    [Fact]
    public void Cursors_survive_their_bytes_and_damage_is_refused()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            Cursor cursor = new Chance(seed).Cursor();
            ArrayBufferWriter<byte> output = new();
            ByteWriter writer = new(output);
            cursor.Write(ref writer);
            ByteReader reader = new(output.WrittenMemory);
            Assert.Equal(cursor, Cursor.Read(ref reader));
            Assert.True(reader.AtEnd);
            for (int cut = 0; cut < output.WrittenCount; cut++)
            {
                ByteReader torn = new(output.WrittenMemory[..cut]);
                Cursor.Read(ref torn);
                Assert.True(torn.Failed);
            }
        }
    }
}
